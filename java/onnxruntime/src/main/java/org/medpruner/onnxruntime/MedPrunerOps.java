package org.medpruner.onnxruntime;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.medpruner.MedPruner;
import org.medpruner.MedPrunerException;
import org.medpruner.internal.ffm.BundledLibrary;

/**
 * The library of custom ops for ONNX Runtime 1.17 and later: {@code SliceAnchor}, {@code
 * AttentionMass}, {@code NucleusSelect} and {@code ContextualMerge} in the domain {@link #DOMAIN}.
 * Their inputs, outputs and attributes are in docs/onnxruntime.md.
 *
 * {@snippet :
 * try (var options = new OrtSession.SessionOptions()) {
 *   MedPrunerOps.register(options);
 *   OrtSession session = OrtEnvironment.getEnvironment().createSession("model.onnx", options);
 * }
 * }
 *
 * <p>The ops run on the CPU; ONNX Runtime copies inputs that lie on another device. Sessions stay
 * usable when the options are closed, and may be used by many threads. Thread-safe.
 */
public final class MedPrunerOps {
  /** Domain of the ops, for the opset imports of a model. */
  public static final String DOMAIN = "org.medpruner";

  /** Version of the domain, for the opset imports of a model. */
  public static final int VERSION = 1;

  private MedPrunerOps() {}

  /**
   * Makes the ops known to sessions created with these options. Once for each options object.
   *
   * @param options open; may be closed once its sessions are created
   * @throws OrtException if ONNX Runtime is older than 1.17, or refuses the library
   * @throws MedPrunerException if one of the two native libraries cannot be loaded here
   */
  public static void register(OrtSession.SessionOptions options) throws OrtException {
    Objects.requireNonNull(options, "options");
    // Loads libmedpruner, if it is not yet: the op library then finds that copy by its soname, so
    // the
    // process has one pool of threads.
    MedPruner.buildInfo();
    options.registerCustomOpLibrary(library().toString());
  }

  /**
   * The file of the op library, {@code libmedpruner_ort.so}, extracted to the cache folder. Other
   * programs that load it need {@code libmedpruner.so.1} beside it.
   *
   * @return its path in the cache folder
   * @throws MedPrunerException if the jar has none for this platform, or it cannot be extracted
   */
  public static Path library() {
    try {
      return BundledLibrary.extract(
          MedPrunerOps.class,
          "ort.properties",
          "this build of medpruner-onnxruntime has no op library for this platform");
    } catch (IOException e) {
      throw new MedPrunerException("cannot read the op library: " + e.getMessage(), e);
    }
  }
}
