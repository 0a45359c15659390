package org.medpruner.testkit.internal;

import org.medpruner.testkit.OpInput;

/**
 * An input that has to be refused.
 *
 * @param name what is wrong with it
 */
record BadInput<I extends OpInput>(String name, I input) {}
