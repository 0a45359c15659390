package org.medpruner.vlm.nn;

import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;

/**
 * The query and key of a tower's last layer on their way out of the layer's scope. Until they are
 * handed out they belong to this object: where the rest of the layer throws, nobody else would free
 * them.
 */
public final class QueryAndKey implements AutoCloseable {
  private @Nullable Tensor query;
  private @Nullable Tensor key;

  /** Holds nothing yet. */
  public QueryAndKey() {}

  /** Takes two temporaries out of the innermost scope; called once. */
  public void take(Tensor q, Tensor k) {
    query = TorchScope.detach(q);
    key = TorchScope.detach(k);
  }

  /** Hands out the query, from now on a temporary of the caller's scope. */
  public Tensor query() {
    Tensor q = Objects.requireNonNull(query);
    query = null;
    return TorchScope.attach(q);
  }

  /** Hands out the key, from now on a temporary of the caller's scope. */
  public Tensor key() {
    Tensor k = Objects.requireNonNull(key);
    key = null;
    return TorchScope.attach(k);
  }

  /** Frees what was not handed out. Idempotent. */
  @Override
  public void close() {
    if (query != null) {
      query.close();
      query = null;
    }
    if (key != null) {
      key.close();
      key = null;
    }
  }
}
