package org.medpruner.bench.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Watches the resident memory of this process, which Linux counts by origin: anonymous pages (heap,
 * malloc) are needed; pages of mapped files may be dropped and read again whenever another process
 * needs the memory. The peak of the sum comes from the kernel; those of the parts are of samples.
 */
final class ProcessMemory implements AutoCloseable {
  private static final long INTERVAL_MILLIS = 20;

  /** Peaks in bytes; those of the parts need not coincide. */
  record Peaks(long residentBytes, long anonymousBytes, long fileBytes) {}

  private final Thread sampler = new Thread(this::sample, "memory sampler");
  private volatile boolean closed;
  private volatile long anonymous;
  private volatile long file;

  ProcessMemory() {
    sampler.setDaemon(true);
    sampler.start();
  }

  private void sample() {
    try {
      while (!closed) {
        take();
        Thread.sleep(INTERVAL_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void take() {
    anonymous = Math.max(anonymous, bytes("RssAnon"));
    file = Math.max(file, bytes("RssFile"));
  }

  /** The peaks so far. */
  Peaks peaks() {
    take();
    return new Peaks(bytes("VmHWM"), anonymous, file);
  }

  private static long bytes(String field) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith(field + ":")) {
          return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new IllegalStateException("/proc/self/status has no " + field);
  }

  @Override
  public void close() {
    closed = true;
  }
}
