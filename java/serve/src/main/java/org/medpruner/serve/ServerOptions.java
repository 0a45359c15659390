package org.medpruner.serve;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.GenerationOptions;

/**
 * How to serve. Start from {@link #DEFAULT} and derive.
 *
 * @param host address or name to listen on; one that other machines reach needs a token
 * @param port 0 to 65535; 0 takes a free one
 * @param token what clients send as bearer token; null asks for none
 * @param queue requests that may wait while one is answered, 0 to 10,000
 * @param maxUploadBytes most bytes of one upload, at least 1; a zip file may come to four times as
 *     many, all uploads together to eight times
 * @param timeout from a request's arrival to the end of its answer, waiting included; a millisecond
 *     to a week
 * @param drain how long {@link MedPrunerServer#close} waits for what was accepted, not negative
 * @param policy pruning of requests that do not say
 * @param generation of requests that do not say; stop strings and sampling included
 */
public record ServerOptions(
    String host,
    int port,
    @Nullable String token,
    int queue,
    long maxUploadBytes,
    Duration timeout,
    Duration drain,
    PruningPolicy policy,
    GenerationOptions generation) {

  /** This machine alone, port 8080, 8 waiting, 1 GiB, ten minutes, 30 s, preset paper, greedy. */
  public static final ServerOptions DEFAULT =
      new ServerOptions(
          "127.0.0.1",
          8080,
          null,
          8,
          1L << 30,
          Duration.ofMinutes(10),
          Duration.ofSeconds(30),
          PruningPolicy.PAPER,
          GenerationOptions.DEFAULT);

  /**
   * Checks the ranges, and that a token guards what other machines reach.
   *
   * @throws IllegalArgumentException if a value is out of its range, the host is not known here, or
   *     one that other machines reach comes without a token
   */
  public ServerOptions {
    Objects.requireNonNull(policy, "policy");
    Objects.requireNonNull(generation, "generation");
    require(!host.isBlank(), "host", "\"\"", "an address or a name");
    require(port >= 0 && port <= 65535, "port", port, "in 0..65535");
    require(queue >= 0 && queue <= 10_000, "queue", queue, "in 0..10000");
    require(maxUploadBytes >= 1, "maxUploadBytes", maxUploadBytes, ">= 1");
    require(
        timeout.toMillis() >= 1 && timeout.compareTo(Duration.ofDays(7)) <= 0,
        "timeout",
        timeout,
        "positive and at most a week");
    require(!drain.isNegative(), "drain", drain, ">= 0");
    if (token != null && !token.chars().allMatch(c -> c > ' ' && c < 0x7f) || "".equals(token)) {
      // The token itself is not repeated: messages end in logs.
      throw new IllegalArgumentException(
          "token is empty or has a character that is not printable ASCII; choose another one");
    }
    if (token == null && !isLoopback(host)) {
      throw new IllegalArgumentException(
          "host = "
              + host
              + ", which other machines reach, but there is no token; give one (--token, or"
              + " MEDPRUNER_TOKEN in the environment) or listen on 127.0.0.1");
    }
  }

  private static void require(boolean ok, String name, Object value, String rule) {
    if (!ok) {
      throw new IllegalArgumentException(name + " = " + value + ", but it must be " + rule);
    }
  }

  private static boolean isLoopback(String host) {
    return address(host).isLoopbackAddress();
  }

  /**
   * The address of a host.
   *
   * @throws IllegalArgumentException if there is none
   */
  static InetAddress address(String host) {
    try {
      return InetAddress.getByName(host);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(
          "host = " + host + " is not known here; give an address of this machine", e);
    }
  }

  /** Most bytes that an upload may come to when it is unpacked. */
  long maxUnpackedBytes() {
    return maxUploadBytes > Long.MAX_VALUE / 4 ? Long.MAX_VALUE : 4 * maxUploadBytes;
  }

  /** Most bytes of all uploads together. */
  long maxStoredBytes() {
    return maxUploadBytes > Long.MAX_VALUE / 8 ? Long.MAX_VALUE : 8 * maxUploadBytes;
  }

  /**
   * The same on another port.
   *
   * @param value 0 to 65535; 0 takes a free one
   * @return the options
   * @throws IllegalArgumentException if it is out of that range
   */
  public ServerOptions withPort(int value) {
    return new ServerOptions(
        host, value, token, queue, maxUploadBytes, timeout, drain, policy, generation);
  }

  /**
   * The same with another token.
   *
   * @param value printable ASCII, or null for none, which only a host of this machine alone allows
   * @return the options
   * @throws IllegalArgumentException if it is not
   */
  public ServerOptions withToken(@Nullable String value) {
    return new ServerOptions(
        host, port, value, queue, maxUploadBytes, timeout, drain, policy, generation);
  }

  /**
   * The same with another length of the queue.
   *
   * @param value requests that may wait, 0 to 10,000
   * @return the options
   * @throws IllegalArgumentException if it is out of that range
   */
  public ServerOptions withQueue(int value) {
    return new ServerOptions(
        host, port, token, value, maxUploadBytes, timeout, drain, policy, generation);
  }

  /**
   * The same with another limit on uploads.
   *
   * @param value most bytes of one upload, at least 1
   * @return the options
   * @throws IllegalArgumentException if it is smaller
   */
  public ServerOptions withMaxUploadBytes(long value) {
    return new ServerOptions(host, port, token, queue, value, timeout, drain, policy, generation);
  }

  /**
   * The same with another timeout.
   *
   * @param value at least a millisecond, at most a week
   * @return the options
   * @throws IllegalArgumentException if it is out of that range
   */
  public ServerOptions withTimeout(Duration value) {
    return new ServerOptions(
        host, port, token, queue, maxUploadBytes, value, drain, policy, generation);
  }

  /**
   * The same with another time to drain.
   *
   * @param value not negative
   * @return the options
   * @throws IllegalArgumentException if it is
   */
  public ServerOptions withDrain(Duration value) {
    return new ServerOptions(
        host, port, token, queue, maxUploadBytes, timeout, value, policy, generation);
  }

  /** Without the token, which has no place in a log. */
  @Override
  public String toString() {
    return "ServerOptions[" + host + ":" + port + (token == null ? "" : ", token") + "]";
  }
}
