package org.medpruner.testkit;

import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is run. The same options give the same cases on every machine.
 *
 * @param seed of the generated cases
 * @param cases random cases per op and dtype, beside the edge cases, which always run; &gt;= 0
 * @param ops which ops
 * @param refusals whether bad input is tried too, for targets that check theirs
 * @param examples failing cases kept per rule, &gt;= 1
 * @param shrinkSteps how many smaller inputs are tried to reduce a failing case; 0 is off
 * @param mostValues cases with a larger tensor are left out, for targets that are slow; &gt;= 1
 * @param caseName null, or the one case to run
 */
public record ConformanceOptions(
    long seed,
    int cases,
    Set<Op> ops,
    boolean refusals,
    int examples,
    int shrinkSteps,
    long mostValues,
    @Nullable String caseName) {

  /** Seed 1, 40 random cases per op and dtype, all ops, refusals too. */
  public static final ConformanceOptions DEFAULT =
      new ConformanceOptions(1, 40, EnumSet.allOf(Op.class), true, 3, 400, Long.MAX_VALUE, null);

  /** Checks the ranges. */
  public ConformanceOptions {
    if (cases < 0) {
      throw new IllegalArgumentException("cases: is " + cases + ", expected >= 0");
    }
    if (ops.isEmpty()) {
      throw new IllegalArgumentException("ops: is empty, expected at least one op");
    }
    if (examples < 1) {
      throw new IllegalArgumentException("examples: is " + examples + ", expected >= 1");
    }
    if (shrinkSteps < 0) {
      throw new IllegalArgumentException("shrinkSteps: is " + shrinkSteps + ", expected >= 0");
    }
    if (mostValues < 1) {
      throw new IllegalArgumentException("mostValues: is " + mostValues + ", expected >= 1");
    }
    ops = Set.copyOf(ops);
  }

  /**
   * A copy with another seed.
   *
   * @param value of the generated cases, any
   * @return options that differ in this alone
   */
  public ConformanceOptions withSeed(long value) {
    return new ConformanceOptions(
        value, cases, ops, refusals, examples, shrinkSteps, mostValues, caseName);
  }

  /**
   * A copy with another number of random cases.
   *
   * @param value per op and dtype, &gt;= 0
   * @return options that differ in this alone
   * @throws IllegalArgumentException if the value is negative
   */
  public ConformanceOptions withCases(int value) {
    return new ConformanceOptions(
        seed, value, ops, refusals, examples, shrinkSteps, mostValues, caseName);
  }

  /**
   * A copy for some ops only.
   *
   * @param value at least one; copied
   * @return options that differ in this alone
   * @throws IllegalArgumentException if there is none
   */
  public ConformanceOptions withOps(Set<Op> value) {
    return new ConformanceOptions(
        seed, cases, value, refusals, examples, shrinkSteps, mostValues, caseName);
  }

  /**
   * A copy with or without bad input.
   *
   * @param value whether bad input is tried on targets that check theirs
   * @return options that differ in this alone
   */
  public ConformanceOptions withRefusals(boolean value) {
    return new ConformanceOptions(
        seed, cases, ops, value, examples, shrinkSteps, mostValues, caseName);
  }

  /**
   * A copy that keeps another number of failing cases per rule.
   *
   * @param value &gt;= 1
   * @return options that differ in this alone
   * @throws IllegalArgumentException if the value is below 1
   */
  public ConformanceOptions withExamples(int value) {
    return new ConformanceOptions(
        seed, cases, ops, refusals, value, shrinkSteps, mostValues, caseName);
  }

  /**
   * A copy with another bound on the search for smaller inputs.
   *
   * @param value runs of the target per failing case, &gt;= 0; 0 is off
   * @return options that differ in this alone
   * @throws IllegalArgumentException if the value is negative
   */
  public ConformanceOptions withShrinkSteps(int value) {
    return new ConformanceOptions(
        seed, cases, ops, refusals, examples, value, mostValues, caseName);
  }

  /**
   * A copy that leaves out cases with a larger tensor.
   *
   * @param value most values of a tensor, &gt;= 1
   * @return options that differ in this alone
   * @throws IllegalArgumentException if the value is below 1
   */
  public ConformanceOptions withMostValues(long value) {
    return new ConformanceOptions(
        seed, cases, ops, refusals, examples, shrinkSteps, value, caseName);
  }

  /**
   * A copy that runs one case only.
   *
   * @param value its name in a report of the same seed; null runs all
   * @return options that differ in this alone
   */
  public ConformanceOptions withCaseName(@Nullable String value) {
    return new ConformanceOptions(
        seed, cases, ops, refusals, examples, shrinkSteps, mostValues, value);
  }
}
