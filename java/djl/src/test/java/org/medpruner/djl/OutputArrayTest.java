package org.medpruner.djl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.medpruner.TensorView;

/** Results: written where DJL has them, and beside where it does not say where. */
class OutputArrayTest extends PyTorchTest {
  private static void fill(TensorView view) {
    MemorySegment memory =
        MemorySegment.ofAddress(view.address()).reinterpret(view.elements() * Float.BYTES);
    for (int i = 0; i < view.elements(); i++) {
      memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
    }
  }

  private static NDArray filled(NDManager manager) {
    try (OutputArray output = new OutputArray(manager, "result", DataType.FLOAT32, 2, 3)) {
      fill(output.view(6));
      return output.take();
    }
  }

  @Test
  void theEnginesMemoryIsWritten() {
    NDArray array = filled(manager);
    assertEquals("result", array.getName());
    assertArrayEquals(new float[] {0, 1, 2, 3, 4, 5}, array.toFloatArray());
  }

  /** The manager of an engine whose arrays tell no address. */
  private NDManager withoutAddresses() {
    return (NDManager)
        Proxy.newProxyInstance(
            NDManager.class.getClassLoader(),
            new Class<?>[] {NDManager.class},
            (proxy, called, arguments) -> {
              try {
                Object made = called.invoke(manager, arguments);
                return made instanceof NDArray array
                    ? PyTorch.as(
                        array,
                        "toByteBuffer",
                        ByteBuffer.allocate((int) array.size() * Float.BYTES))
                    : made;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void anEngineThatTellsNoAddressGetsACopy() {
    NDArray array = filled(withoutAddresses());
    // The memory beside is closed by now.
    assertArrayEquals(new float[] {0, 1, 2, 3, 4, 5}, array.get(":").toFloatArray());
  }

  @Test
  void whatIsNotTakenIsClosed() {
    int before = manager.getManagedArrays().size();
    try (OutputArray output = new OutputArray(manager, "result", DataType.FLOAT32, 4)) {
      assertEquals(4, output.view().elements());
    }
    assertEquals(before, manager.getManagedArrays().size());
    NDArray kept = filled(manager);
    assertFalse(kept.isReleased());
  }
}
