package org.medpruner.internal.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.medpruner.MedPrunerException;
import org.medpruner.MedPrunerUnavailableException;

/**
 * Finds and loads libmedpruner once: {@code -Dmedpruner.library.path} (a file or a folder), then
 * the natives jar, then {@code java.library.path}. A library of another ABI major counts as a
 * failed attempt.
 */
public final class NativeLibrary {
  /** Major number of the headers this binding was written against. */
  static final int ABI_MAJOR = 1;

  /** Every function the binding calls; a library without one of them is not used. */
  static final List<String> FUNCTIONS =
      List.of(
          "medpruner_abi_version",
          "medpruner_alloc",
          "medpruner_attention_mass",
          "medpruner_attention_mass_workspace",
          "medpruner_contextual_merge",
          "medpruner_contextual_merge_workspace",
          "medpruner_copy",
          "medpruner_cpu_isa",
          "medpruner_cpu_threads",
          "medpruner_cuda_device_count",
          "medpruner_cuda_device_get",
          "medpruner_free",
          "medpruner_gather_rows",
          "medpruner_gather_rows_workspace",
          "medpruner_get_build_info",
          "medpruner_graph_begin",
          "medpruner_graph_destroy",
          "medpruner_graph_end",
          "medpruner_graph_launch",
          "medpruner_last_error",
          "medpruner_nucleus_select",
          "medpruner_nucleus_select_workspace",
          "medpruner_prune",
          "medpruner_prune_workspace",
          "medpruner_set_cpu_threads",
          "medpruner_slice_anchor",
          "medpruner_slice_anchor_patches",
          "medpruner_slice_anchor_patches_workspace",
          "medpruner_slice_anchor_workspace",
          "medpruner_stream_create",
          "medpruner_stream_destroy",
          "medpruner_stream_synchronize");

  static final String PATH_PROPERTY = "medpruner.library.path";

  private static final System.Logger LOGGER = System.getLogger("org.medpruner");

  private final Path path;
  private final SymbolLookup symbols;
  private final int abi;

  private NativeLibrary(Path path, SymbolLookup symbols, int abi) {
    this.path = path;
    this.symbols = symbols;
    this.abi = abi;
  }

  /** The outcome, found out on first use. */
  private static final class Holder {
    static final Outcome OUTCOME = load();
  }

  private record Outcome(
      @Nullable NativeLibrary library, String reason, @Nullable Throwable cause) {}

  /** What one route led to. */
  private record Attempt(String route, String failure, @Nullable Throwable cause) {
    @Override
    public String toString() {
      return route + ": " + failure;
    }
  }

  /** A route that leads nowhere, in words. */
  private static final class RouteException extends Exception {
    private static final long serialVersionUID = 1L;

    RouteException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * The loaded library.
   *
   * @throws MedPrunerUnavailableException listing every attempt, if there is none
   */
  public static NativeLibrary get() {
    Outcome o = Holder.OUTCOME;
    if (o.library == null) {
      throw new MedPrunerUnavailableException(o.reason, o.cause);
    }
    return o.library;
  }

  /** The file it was loaded from. */
  public Path path() {
    return path;
  }

  /** Its ABI: major &lt;&lt; 16 | minor. */
  public int abi() {
    return abi;
  }

  SymbolLookup symbols() {
    return symbols;
  }

  /** {@code "linux-x86_64"}: the folder of this platform in a natives jar. */
  static String platform() {
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    String name = os.startsWith("mac") ? "macos" : os.startsWith("windows") ? "windows" : os;
    return name + "-" + (arch.equals("amd64") ? "x86_64" : arch);
  }

  private static Outcome load() {
    List<Attempt> failed = new ArrayList<>();
    try {
      String configured = System.getProperty(PATH_PROPERTY);
      if (configured != null) {
        String route = "-D" + PATH_PROPERTY + "=" + configured;
        NativeLibrary library = attempt(route, failed, () -> configured(configured));
        if (library != null) {
          return loaded(library, failed);
        }
      }
      NativeLibrary bundled = attempt("natives jar", failed, NativeLibrary::bundled);
      if (bundled != null) {
        return loaded(bundled, failed);
      }
      String searched = System.getProperty("java.library.path", "");
      NativeLibrary found =
          attempt("java.library.path=" + searched, failed, () -> searched(searched));
      if (found != null) {
        return loaded(found, failed);
      }
    } catch (IllegalCallerException e) {
      String module = NativeLibrary.class.getModule().isNamed() ? "org.medpruner" : "ALL-UNNAMED";
      return new Outcome(
          null, "this JVM denies native access: start it with --enable-native-access=" + module, e);
    }
    List<String> lines = failed.stream().map(Attempt::toString).toList();
    Throwable cause = null;
    for (Attempt a : failed) {
      cause = cause == null ? a.cause : cause;
    }
    return new Outcome(
        null,
        "no usable native library "
            + System.mapLibraryName("medpruner")
            + " for "
            + platform()
            + "; tried: "
            + String.join("; ", lines),
        cause);
  }

  private static Outcome loaded(NativeLibrary library, List<Attempt> failed) {
    // The natives jar may well be absent by design; a path that was asked for may not.
    for (Attempt a : failed) {
      if (a.route.startsWith("-D")) {
        LOGGER.log(System.Logger.Level.WARNING, a + "; using " + library.path + " instead");
      }
    }
    return new Outcome(library, "", null);
  }

  /** Finds the file of a route. */
  private interface Route {
    Path find() throws RouteException, IOException;
  }

  private static @Nullable NativeLibrary attempt(String name, List<Attempt> failed, Route route) {
    Path file = null;
    try {
      file = route.find();
      return open(file);
    } catch (RouteException e) {
      failed.add(new Attempt(name, String.valueOf(e.getMessage()), e.getCause()));
    } catch (UnsatisfiedLinkError e) {
      // dlopen's own text, which names a missing dependency.
      failed.add(new Attempt(name, file + " does not load: " + e.getMessage(), e));
    } catch (IllegalCallerException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // A property that is no path, a malformed resource: whatever it is, the next route may work.
      failed.add(new Attempt(name, e.toString(), e));
    }
    return null;
  }

  private static Path configured(String value) throws RouteException {
    Path p;
    try {
      p = Path.of(value).toAbsolutePath();
    } catch (InvalidPathException e) {
      throw new RouteException("not a path", e);
    }
    Path file = Files.isDirectory(p) ? p.resolve(System.mapLibraryName("medpruner")) : p;
    if (!Files.isRegularFile(file)) {
      throw new RouteException("no file " + file, null);
    }
    return file;
  }

  private static Path bundled() throws RouteException, IOException {
    try {
      return BundledLibrary.extract(
          NativeLibrary.class,
          "natives.properties",
          "put medpruner-natives on the class path, or on the module path with --add-modules"
              + " medpruner.natives");
    } catch (MedPrunerException e) {
      throw new RouteException(String.valueOf(e.getMessage()), e.getCause());
    }
  }

  private static Path searched(String value) throws RouteException {
    String name = System.mapLibraryName("medpruner");
    for (String folder : value.split(File.pathSeparator, -1)) {
      try {
        Path file = Path.of(folder.isEmpty() ? "." : folder, name).toAbsolutePath();
        if (Files.isRegularFile(file)) {
          return file;
        }
      } catch (InvalidPathException e) {
        LOGGER.log(System.Logger.Level.DEBUG, "java.library.path entry skipped: " + folder, e);
      }
    }
    throw new RouteException("no " + name + " in it", null);
  }

  // Not System.load, which binds a file to one class loader: a second web application or a plug-in
  // that was loaded anew would be refused.
  private static SymbolLookup load(Path file) {
    try {
      return SymbolLookup.libraryLookup(file, Arena.global());
    } catch (IllegalArgumentException e) {
      // It hides dlopen's error text, which this throws.
      System.load(file.toString());
      return SymbolLookup.libraryLookup(file, Arena.global());
    }
  }

  private static NativeLibrary open(Path file) throws RouteException {
    SymbolLookup symbols = load(file);
    MemorySegment entry =
        symbols
            .find("medpruner_abi_version")
            .orElseThrow(
                () ->
                    new RouteException(
                        file + " is not libmedpruner: no medpruner_abi_version", null));
    MethodHandle version =
        Linker.nativeLinker().downcallHandle(entry, FunctionDescriptor.of(JAVA_INT));
    int abi;
    try {
      abi = (int) version.invokeExact();
    } catch (Throwable t) {
      throw NativeCalls.unexpected(t);
    }
    if (abi >>> 16 != ABI_MAJOR) {
      throw new RouteException(
          file + " has ABI " + abiText(abi) + ", but this version needs " + ABI_MAJOR + ".x", null);
    }
    for (String name : FUNCTIONS) {
      if (symbols.find(name).isEmpty()) {
        throw new RouteException(file + " lacks " + name, null);
      }
    }
    return new NativeLibrary(file, symbols, abi);
  }

  /** {@code "1.0"}. */
  static String abiText(int abi) {
    return (abi >>> 16) + "." + (abi & 0xffff);
  }
}
