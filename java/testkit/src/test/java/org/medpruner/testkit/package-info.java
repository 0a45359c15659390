@org.jspecify.annotations.NullMarked
package org.medpruner.testkit;
