package org.medpruner.vlm;

import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;

/** What callers of the engine may or may not have open: scopes of LibTorch's temporaries. */
public final class Scopes {
  private Scopes() {}

  /** Does something with so many scopes open, one inside the other. */
  public static <T> T in(int scopes, Supplier<T> what) {
    if (scopes == 0) {
      return what.get();
    }
    try (PointerScope scope = new PointerScope()) {
      return in(scopes - 1, what);
    }
  }
}
