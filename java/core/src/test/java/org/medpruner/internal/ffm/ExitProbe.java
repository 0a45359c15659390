package org.medpruner.internal.ffm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Main class of the exit tests' children: ends, or waits to be ended, as its argument says. */
final class ExitProbe {
  private ExitProbe() {}

  /** Arguments: the file to write on clean-up, and the way to end. */
  public static void main(String[] arguments) throws Exception {
    Path marker = Path.of(arguments[0]);
    ProcessExit.install(() -> System.out.println("replaced by the next"));
    ProcessExit.install(
        () -> {
          try {
            Files.writeString(marker, "cleaned up");
            if (arguments[1].equals("wait-hanging")) {
              Thread.sleep(Long.MAX_VALUE);
            }
          } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
    System.out.print("ready");
    switch (arguments[1]) {
      case "return" -> {}
      case "throw" -> throw new IllegalStateException("on purpose");
      case "System.exit" -> System.exit(5);
      case "ProcessExit.exit" -> ProcessExit.exit(7);
      default -> {
        System.out.flush();
        Thread.sleep(Long.MAX_VALUE);
      }
    }
  }
}
