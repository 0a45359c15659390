package org.medpruner.djl;

import ai.djl.ndarray.NDManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Tests with arrays of DJL's PyTorch engine; they skip where it cannot be loaded. */
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
}
