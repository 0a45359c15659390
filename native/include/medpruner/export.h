/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDPRUNER_EXPORT_H
#define MEDPRUNER_EXPORT_H

#if defined(__GNUC__)
#define MEDPRUNER_API __attribute__((visibility("default")))
#else
#define MEDPRUNER_API
#endif

#endif /* MEDPRUNER_EXPORT_H */
