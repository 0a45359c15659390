package org.medpruner.vlm;

import org.medpruner.PruningReport;

/**
 * The pruned visual tokens of one volume, on the model's device. Belongs to the model that made it;
 * {@link #close} frees the features and is idempotent.
 *
 * <p>Any thread may call any method at any time. A volume that is closed while a model reads it is
 * freed when that is done; later questions about it are an {@link IllegalStateException}.
 */
public interface EncodedVolume extends AutoCloseable {
  /**
   * What pruning did so far: slices, rates, and timings "anchor", "encode", "prune". Savings of the
   * prompt are known only once a question was asked, see {@link Answer#report()}.
   *
   * @return the same report at each call, also once closed
   */
  PruningReport report();

  @Override
  void close();
}
