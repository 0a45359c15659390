package org.medpruner.testkit;

/**
 * A case that broke a rule.
 *
 * @param caseName name of the case, to give to {@link ConformanceOptions#withCaseName}
 * @param seed the suite's seed it was generated with
 * @param difference what differs in that case
 * @param reproduction the smallest input found that breaks the same rule, or the case's own
 * @param reproducedDifference what differs there
 * @param reduced whether that input is smaller than the case's own
 */
public record Failure(
    String caseName,
    long seed,
    String difference,
    String reproduction,
    String reproducedDifference,
    boolean reduced) {}
