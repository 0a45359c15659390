/** Targets that come with the kit: the specification and this project's own backends. */
@org.jspecify.annotations.NullMarked
package org.medpruner.testkit.targets;
