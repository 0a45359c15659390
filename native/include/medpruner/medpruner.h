/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file medpruner.h
 * The whole public C interface of libmedpruner. Plain C11, no CUDA headers.
 */
#ifndef MEDPRUNER_H
#define MEDPRUNER_H

#include "medpruner/attention_mass.h"
#include "medpruner/contextual_merge.h"
#include "medpruner/gather_rows.h"
#include "medpruner/graph.h"
#include "medpruner/memory.h"
#include "medpruner/nucleus_select.h"
#include "medpruner/ops.h"
#include "medpruner/prune.h"
#include "medpruner/slice_anchor.h"
#include "medpruner/status.h"
#include "medpruner/tensor.h"
#include "medpruner/threads.h"
#include "medpruner/version.h"

#endif /* MEDPRUNER_H */
