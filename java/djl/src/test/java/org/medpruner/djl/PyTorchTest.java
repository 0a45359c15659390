package org.medpruner.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Tests with arrays of DJL's PyTorch engine; they fail where it does not load. */
abstract class PyTorchTest {
  NDManager manager;

  @BeforeEach
  void open() {
    manager = PyTorch.manager();
  }

  @AfterEach
  void close() {
    if (manager != null) {
      manager.close();
    }
  }

  /** Values of a normal distribution. */
  NDArray normal(Random random, DataType type, long... shape) {
    int n = (int) new Shape(shape).size();
    return PyTorch.array(manager, PyTorch.normal(random, n), type, shape);
  }
}
