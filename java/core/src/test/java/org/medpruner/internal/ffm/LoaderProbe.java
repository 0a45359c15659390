package org.medpruner.internal.ffm;

import org.medpruner.MedPruner;
import org.medpruner.MedPrunerUnavailableException;
import org.medpruner.SliceAnchor;

/** Main class of the loader tests' children: says what became of the library. */
final class LoaderProbe {
  private LoaderProbe() {}

  /** Prints one line, "available PATH" or "unavailable REASON"; checks that ops agree. */
  public static void main(String[] arguments) {
    switch (MedPruner.status()) {
      case MedPruner.Status.Available a -> {
        SliceAnchor.apply(new float[4], 2, 0.1);
        System.out.println("available " + a.info().path());
      }
      case MedPruner.Status.Unavailable u -> {
        try {
          SliceAnchor.apply(new float[4], 2, 0.1);
          System.out.println("an op ran without the library");
        } catch (MedPrunerUnavailableException e) {
          System.out.println("unavailable " + e.getMessage());
        }
        if (!(MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Unavailable)) {
          System.out.println("CUDA without the library");
        }
      }
    }
  }
}
