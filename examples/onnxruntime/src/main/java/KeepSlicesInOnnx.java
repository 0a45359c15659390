import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import java.util.Arrays;
import java.util.Map;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.onnxruntime.MedPrunerOps;
import org.medpruner.onnxruntime.OrtTensors;

/**
 * Runs a model of two nodes, SliceAnchor and Gather, on a volume of bytes that changes twice. A real
 * model would have its vision encoder behind them, which then sees the kept slices alone.
 */
public final class KeepSlicesInOnnx {
  private static final int DEPTH = 24;
  private static final int SIDE = 112;

  public static void main(String[] args) throws Exception {
    byte[] model;
    try (var in = KeepSlicesInOnnx.class.getResourceAsStream("/keep_slices.onnx")) {
      model = in.readAllBytes();
    }
    byte[] voxels = new byte[DEPTH * SIDE * SIDE];
    for (int i = 0; i < voxels.length; i++) {
      voxels[i] = (byte) (40 * (i / (8 * SIDE * SIDE)));
    }
    var environment = OrtEnvironment.getEnvironment();
    try (var options = new OrtSession.SessionOptions();
        var buffer = NativeBuffer.allocate(Device.CPU, DType.U8, DEPTH, SIDE, SIDE)) {
      MedPrunerOps.register(options);
      buffer.copyFrom(voxels);
      try (var session = environment.createSession(model, options);
          // The buffer's own memory, not a copy.
          var slices = OrtTensors.borrow(environment, buffer.view(DType.U8, DEPTH, SIDE, SIDE));
          var result = session.run(Map.of("slices", slices))) {
        long[] kept = (long[]) result.get("kept_indices").orElseThrow().getValue();
        OnnxTensor volume = (OnnxTensor) result.get("kept_slices").orElseThrow();
        System.out.println(
            "kept slices " + Arrays.toString(kept) + " of " + DEPTH + ": " + volume.getInfo());
        if (!Arrays.equals(kept, new long[] {0, 8, 16})
            || !Arrays.equals(volume.getInfo().getShape(), new long[] {3, SIDE, SIDE})) {
          System.err.println("expected the slices 0, 8 and 16");
          System.exit(1);
        }
      }
    }
  }
}
