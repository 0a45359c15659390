package org.medpruner.testkit.internal;

import java.util.function.Function;
import org.medpruner.testkit.OpInput;

/**
 * An input with what the authors' released code makes of it.
 *
 * @param name in the file of goldens
 * @param check compares an output with theirs
 */
record GoldenCase<I extends OpInput, O>(String name, I input, Function<O, Finding> check) {}
