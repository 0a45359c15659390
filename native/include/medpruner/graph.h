/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file graph.h
 * CUDA graphs for callers without a CUDA runtime of their own: a sequence of op calls is recorded once
 * and then launched as one, with the same descriptors' addresses, shapes and params and whatever the
 * memory holds at the time. CUDA only: the CPU gives MEDPRUNER_ERR_UNSUPPORTED.
 *
 * Between begin and end the ops called with that stream by that thread are recorded instead of run;
 * all that they are given, workspaces too, must stay allocated as long as the graph is launched. An op
 * that refuses its arguments records nothing and the capture goes on. Allocating, freeing and waiting
 * on that thread meanwhile breaks the capture: it must still be ended, which then fails with
 * MEDPRUNER_ERR_CUDA and leaves the stream as it was before. Which device the thread has after a call is as
 * ops.h says of an op.
 */
#ifndef MEDPRUNER_GRAPH_H
#define MEDPRUNER_GRAPH_H

#include "medpruner/export.h"
#include "medpruner/status.h"
#include "medpruner/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What was recorded, ready to launch. */
typedef struct medpruner_graph medpruner_graph;

/** Begins recording on @p stream, which is not the default stream; by the thread that will end it. */
MEDPRUNER_API medpruner_status medpruner_graph_begin(const medpruner_device* device, void* stream);

/**
 * Ends recording.
 *
 * @param[out] graph NULL to throw away what was recorded; else to be given to
 *                   medpruner_graph_destroy(). Set to NULL when the call fails
 */
MEDPRUNER_API medpruner_status medpruner_graph_end(const medpruner_device* device, void* stream,
                                                   medpruner_graph** graph);

/**
 * Queues the whole graph on a stream of its device, NULL = legacy default stream. Launches of one graph
 * run one after the other, whatever their streams; the call is not safe from two threads at once.
 */
MEDPRUNER_API medpruner_status medpruner_graph_launch(medpruner_graph* graph, void* stream);

/** Waits for the graph's launches and destroys it; NULL is allowed. No other thread's recording is disturbed. */
MEDPRUNER_API medpruner_status medpruner_graph_destroy(medpruner_graph* graph);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_GRAPH_H */
