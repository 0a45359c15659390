package org.medpruner.internal.ffm;

import java.io.File;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Main class of a child of the loader tests: {@link LoaderProbe} in several class loaders. */
final class ClassLoadersProbe {
  static final int LOADERS = 3;

  private ClassLoadersProbe() {}

  /** Prints a line for each class loader. */
  public static void main(String[] arguments) throws Exception {
    List<URL> path = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      path.add(Path.of(entry).toUri().toURL());
    }
    // Kept open: one that is collected gives the file free.
    List<URLClassLoader> loaders = new ArrayList<>();
    for (int i = 0; i < LOADERS; i++) {
      URLClassLoader loader =
          new URLClassLoader(path.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
      loaders.add(loader);
      Method main = loader.loadClass(LoaderProbe.class.getName()).getMethod("main", String[].class);
      main.setAccessible(true);
      main.invoke(null, (Object) arguments);
    }
    for (URLClassLoader loader : loaders) {
      loader.close();
    }
  }
}
