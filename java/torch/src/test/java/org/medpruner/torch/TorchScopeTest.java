package org.medpruner.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.DType;

/**
 * Who frees an object, with and without scopes around: freed too late memory piles up, freed too
 * early LibTorch reads what is gone.
 */
class TorchScopeTest {
  private static final int MOST_SCOPES = 2;

  /** How an object comes to be. */
  @SuppressWarnings("ImmutableEnumChecker") // the suppliers hold nothing
  enum Origin {
    MADE(TorchScopeTest::ones),
    OF_A_STEP(() -> TorchScope.run(TorchScopeTest::ones)),
    OF_A_STEP_IN_A_STEP(
        () ->
            TorchScope.run(
                () ->
                    TorchScope.run(
                        () -> TorchScope.run(TorchScopeTest::ones).add(new Scalar(0.0)))));

    private final Supplier<Tensor> make;

    Origin(Supplier<Tensor> make) {
      this.make = make;
    }
  }

  private static Tensor ones() {
    return torch.ones(new long[] {3});
  }

  /** Does something with so many scopes open, one inside the other. */
  private static <T> T in(int scopes, Supplier<T> what) {
    if (scopes == 0) {
      return what.get();
    }
    try (PointerScope scope = new PointerScope()) {
      return in(scopes - 1, what);
    }
  }

  /** Every origin with every number of scopes where it is made. */
  static List<Arguments> made() {
    List<Arguments> all = new ArrayList<>();
    for (Origin origin : Origin.values()) {
      for (int scopes = 0; scopes <= MOST_SCOPES; scopes++) {
        all.add(Arguments.of(origin, scopes));
      }
    }
    return all;
  }

  /** The same with every number of scopes where something is done with it later. */
  static List<Arguments> madeAndUsed() {
    List<Arguments> all = new ArrayList<>();
    for (Arguments made : made()) {
      for (int scopes = 0; scopes <= MOST_SCOPES; scopes++) {
        all.add(Arguments.of(made.get()[0], made.get()[1], scopes));
      }
    }
    return all;
  }

  /** It is there, nobody else holds it, and one close frees it. */
  private static void assertTheCallers(Tensor t) {
    assertFalse(t.isNull(), "freed too early");
    assertEquals(1, t.referenceCount());
    try (PointerScope scope = new PointerScope()) {
      assertEquals(3, t.sum().item_double());
    }
    assertFalse(t.isNull(), "freed with the scope it was used in");
    t.close();
    assertTrue(t.isNull(), "close frees nothing");
    t.close();
  }

  @ParameterizedTest
  @MethodSource("made")
  void aDetachedObjectOutlivesTheScopesAndOneCloseFreesIt(Origin origin, int scopes) {
    assertTheCallers(in(scopes, () -> TorchScope.detach(origin.make.get())));
  }

  @ParameterizedTest
  @MethodSource("made")
  void anObjectOfNoScopeMayBeDetachedWhateverIsOpen(Origin origin, int scopes) {
    Tensor t = origin.make.get();
    in(scopes, () -> TorchScope.detach(t));
    assertTheCallers(t);
  }

  @ParameterizedTest
  @MethodSource("madeAndUsed")
  void detachingTwiceIsHarmless(Origin origin, int scopes, int later) {
    Tensor t = in(scopes, () -> TorchScope.detach(TorchScope.detach(origin.make.get())));
    in(later, () -> TorchScope.detach(t));
    assertTheCallers(t);
  }

  @ParameterizedTest
  @MethodSource("madeAndUsed")
  void anAttachedObjectIsTheInnermostScopes(Origin origin, int scopes, int later) {
    Tensor t = in(scopes, () -> TorchScope.detach(origin.make.get()));
    if (later == 0) {
      TorchScope.attach(t);
      assertTheCallers(t);
      return;
    }
    in(
        later - 1,
        () -> {
          try (PointerScope scope = new PointerScope()) {
            TorchScope.attach(t);
            assertFalse(t.isNull());
            assertEquals(1, t.referenceCount());
          }
          assertTrue(t.isNull(), "its scope is closed");
          return t;
        });
  }

  @ParameterizedTest
  @MethodSource("madeAndUsed")
  void anAttachedObjectMayBeDetachedAgain(Origin origin, int scopes, int later) {
    Tensor t = in(scopes, () -> TorchScope.detach(origin.make.get()));
    in(later, () -> TorchScope.detach(TorchScope.attach(t)));
    assertTheCallers(t);
  }

  /** As layers do: the step's result goes on, and something beside it is kept for longer. */
  @ParameterizedTest
  @MethodSource("made")
  void whatAStepDetachesOutlivesIt(Origin origin, int scopes) {
    Tensor[] kept = new Tensor[1];
    Tensor result =
        in(
            scopes,
            () -> {
              Tensor inside =
                  TorchScope.run(
                      () -> {
                        kept[0] = TorchScope.detach(origin.make.get());
                        return kept[0].add(new Scalar(0.0));
                      });
              assertEquals(1, kept[0].referenceCount());
              assertEquals(1, inside.referenceCount());
              return inside;
            });
    assertTheCallers(kept[0]);
    if (scopes == 0) {
      assertTheCallers(result);
    } else {
      assertTrue(result.isNull(), "it was the enclosing scope's");
    }
  }

  /** As layers do: what one step left is closed as soon as the next has read it. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void aResultMayBeClosedBeforeItsScope(int scopes) {
    Tensor first =
        in(
            scopes,
            () -> {
              Tensor x = TorchScope.run(TorchScopeTest::ones);
              Tensor input = x;
              Tensor y = TorchScope.run(() -> input.add(new Scalar(1.0)));
              input.close();
              assertTrue(input.isNull());
              assertFalse(y.isNull());
              y.close();
              assertTrue(y.isNull());
              return x;
            });
    first.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void anObjectOfAnOuterScopeStaysThatScopes(int deeper) {
    Tensor[] t = new Tensor[1];
    try (PointerScope outer = new PointerScope()) {
      t[0] = ones();
      in(deeper, () -> TorchScope.detach(t[0]));
      assertFalse(t[0].isNull(), "freed with a scope that it was not of");
      assertEquals(1, t[0].referenceCount());
    }
    assertTrue(t[0].isNull());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void aStepThatThrowsFreesAllButWhatItDetached(int scopes) {
    Tensor[] made = new Tensor[2];
    in(
        scopes,
        () ->
            assertThrows(
                IllegalStateException.class,
                () ->
                    TorchScope.run(
                        () -> {
                          made[0] = ones();
                          made[1] = TorchScope.detach(ones());
                          throw new IllegalStateException("inside");
                        })));
    assertTrue(made[0].isNull());
    assertTheCallers(made[1]);
  }

  /** A closed object has no count; detaching or attaching it must not bring one back. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void aClosedObjectStaysClosed(int scopes) {
    Tensor t = in(scopes, () -> TorchScope.detach(ones()));
    t.close();
    in(scopes, () -> TorchScope.attach(TorchScope.detach(t)));
    assertTrue(t.isNull());
    t.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void aBorrowedTensorIsDroppedAndItsMemoryStays(int scopes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 1, 1);
      BorrowedTensor kept =
          in(
              scopes,
              () -> {
                BorrowedTensor borrowed = TorchTensors.borrow(memory, DType.F32, 3);
                TorchScope.detach(borrowed.tensor());
                return borrowed;
              });
      assertEquals(1, kept.tensor().referenceCount());
      kept.close();
      assertTrue(kept.tensor().isNull());
      kept.close();

      BorrowedTensor temporary = in(scopes, () -> TorchTensors.borrow(memory, DType.F32, 3));
      assertEquals(scopes > 0, temporary.tensor().isNull());
      temporary.close();
      assertTrue(temporary.tensor().isNull());
      assertEquals(1, memory.getAtIndex(ValueLayout.JAVA_FLOAT, 2));
    }
  }

  /** Many at once, out of order: a scope must let go of the one that is meant. */
  @Test
  void ofManyObjectsTheRightOneIsDetached() {
    Tensor[] all = new Tensor[20];
    Tensor[] kept = new Tensor[1];
    try (PointerScope scope = new PointerScope()) {
      Arrays.setAll(all, i -> ones());
      kept[0] = TorchScope.detach(all[7]);
      all[3].close();
      all[12].close();
    }
    for (int i = 0; i < all.length; i++) {
      assertEquals(i != 7, all[i].isNull(), "object " + i);
    }
    assertTheCallers(kept[0]);
  }
}
