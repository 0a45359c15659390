/**
 * The only package that touches foreign memory: library loading, layouts, downcalls. Not API; open
 * to the command line for {@link org.medpruner.internal.ffm.ProcessExit} alone.
 */
@org.jspecify.annotations.NullMarked
package org.medpruner.internal.ffm;
