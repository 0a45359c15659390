package org.medpruner.serve;

import io.vertx.core.MultiMap;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Who may ask. Immutable. */
final class Access {
  private final byte @Nullable [] token;

  /**
   * Rules.
   *
   * @param token what clients must send; null lets every program on this machine in, but no page of
   *     another site in its browsers
   */
  Access(@Nullable String token) {
    this.token = token == null ? null : token.getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Checks a request's headers.
   *
   * @param open whether the route asks for no token
   * @throws ApiError 401 or 403 if it may not go on
   */
  void check(MultiMap headers, boolean open) {
    byte[] expected = token;
    if (expected == null) {
      checkSite(headers);
    } else if (!open && !sent(headers, expected)) {
      throw ApiError.unauthorized();
    }
  }

  private static boolean sent(MultiMap headers, byte[] expected) {
    String value = headers.get("authorization");
    if (value == null || !value.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return false;
    }
    byte[] given = value.substring(7).strip().getBytes(StandardCharsets.UTF_8);
    return MessageDigest.isEqual(expected, given);
  }

  /**
   * A browser sends any page's requests to this machine. A page that had its own name resolved to
   * this address names itself as the host; any other one as the origin.
   */
  private static void checkSite(MultiMap headers) {
    String host = headers.get("host");
    if (host != null && !isThisMachine(host)) {
      throw ApiError.forbidden(
          "the host must be localhost or a loopback address: other names need a server with a"
              + " token");
    }
    String origin = headers.get("origin");
    if (origin != null && !isThisMachine(authority(origin))) {
      throw ApiError.forbidden("pages of other sites may not use this server without a token");
    }
  }

  private static String authority(String origin) {
    try {
      return String.valueOf(URI.create(origin).getRawAuthority());
    } catch (IllegalArgumentException e) {
      return "null";
    }
  }

  private static boolean isThisMachine(String authority) {
    String name = authority.toLowerCase(Locale.ROOT).replaceFirst(":\\d+$", "");
    return name.equals("localhost")
        || name.equals("[::1]")
        || name.matches("127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}");
  }
}
