package org.medpruner.torch;

import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;

/**
 * Bounds the life of LibTorch's temporaries. Every op returns a new tensor object; left to the
 * garbage collector they pile up (300 tensors of 16 MB: 4.1 GB resident instead of 0.2), so each
 * step runs in a scope of its own and lets only its result out.
 */
public final class TorchScope {
  private TorchScope() {}

  /**
   * Runs a step in a scope of its own. Whatever JavaCPP object it creates is freed at the end,
   * except the result, which moves to the enclosing scope of this thread; without one the caller
   * closes it.
   *
   * @param <P> type of the result
   * @param step called once, on this thread; must return an object made inside it, not null
   * @return what the step gave
   */
  public static <P extends Pointer> P run(Supplier<P> step) {
    PointerScope outer = PointerScope.getInnerScope();
    P result;
    try (PointerScope scope = new PointerScope()) {
      result = step.get();
      result.retainReference();
    }
    if (outer != null) {
      outer.attach(result);
      result.releaseReference();
    }
    return result;
  }

  /**
   * Takes an object out of the innermost scope: from now on the caller closes it, and one {@code
   * close} frees it. An object of no scope is the caller's already and stays so, whatever scopes
   * are open; detaching twice is harmless.
   *
   * @param <P> type of the object
   * @param pointer of the innermost scope of this thread, or of none; one of an outer scope stays
   *     that scope's
   * @return the object itself
   */
  public static <P extends Pointer> P detach(P pointer) {
    PointerScope scope = PointerScope.getInnerScope();
    if (pointer.referenceCount() == 0) {
      // Made while no scope was open: nobody counts it yet. A scope would free it on detaching.
      pointer.retainReference();
    } else if (scope != null) {
      // The caller's reference takes the place of the scope's. What run gave without an enclosing
      // scope has the caller's alone: a second one would outlive close.
      pointer.retainReference();
      scope.detach(pointer);
    }
    return pointer;
  }

  /**
   * Gives an object that {@link #detach} took out to the innermost scope, which frees it from now
   * on; without a scope nothing changes.
   *
   * @param <P> type of the object
   * @param pointer one that {@link #detach} gave, not closed
   * @return the object itself
   */
  public static <P extends Pointer> P attach(P pointer) {
    PointerScope scope = PointerScope.getInnerScope();
    if (scope != null) {
      scope.attach(pointer);
      pointer.releaseReference();
    }
    return pointer;
  }
}
