/**
 * What the HTML reports of this project are made of: markup, numbers, pictures, the page around
 * them. For this project's own modules.
 */
package org.medpruner.eval.html;
