/** Cases, checks and reports behind the suite; not exported. */
@org.jspecify.annotations.NullMarked
package org.medpruner.testkit.internal;
