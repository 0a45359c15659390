package org.medpruner.vlm.pruning;

import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.LayoutOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.Device;

/** New tensors on a device; temporaries of the innermost scope. */
final class DeviceTensors {
  private DeviceTensors() {}

  /** A tensor of undefined contents. */
  static Tensor empty(Device device, ScalarType type, long... shape) {
    return torch.empty(
        shape,
        new ScalarTypeOptional(type),
        new LayoutOptional(),
        new DeviceOptional(new org.bytedeco.pytorch.Device(device.toString())),
        new BoolOptional(),
        new MemoryFormatOptional());
  }

  /** An int64 vector. */
  static Tensor of(Device device, long[] values) {
    Tensor t = torch.tensor(values);
    return device.isCpu()
        ? t
        : t.to(new org.bytedeco.pytorch.Device(device.toString()), ScalarType.Long);
  }

  /** A vector of U8, 0 or 1. */
  static Tensor of(Device device, boolean[] values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (values[i] ? 1 : 0);
    }
    // LibTorch's Byte is U8, but a Java byte array becomes Char, I8.
    return torch
        .tensor(bytes)
        .to(new org.bytedeco.pytorch.Device(device.toString()), ScalarType.Byte);
  }
}
