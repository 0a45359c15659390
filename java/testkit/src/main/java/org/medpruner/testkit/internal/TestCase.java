package org.medpruner.testkit.internal;

import org.medpruner.testkit.OpInput;

/**
 * A valid input with its name.
 *
 * @param name unique within op and dtype
 */
record TestCase<I extends OpInput>(String name, I input) {}
