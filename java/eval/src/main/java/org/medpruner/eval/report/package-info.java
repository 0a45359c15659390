/**
 * The report of an evaluation: one HTML page, a CSV file and a Markdown file of the same figures.
 */
package org.medpruner.eval.report;
