package org.medpruner.cli;

import picocli.CommandLine.IVersionProvider;

/** This program's version, from its jar. */
final class Versions implements IVersionProvider {
  static String medpruner() {
    String version = Main.class.getPackage().getImplementationVersion();
    return version == null ? "development build" : version;
  }

  @Override
  public String[] getVersion() {
    return new String[] {"medpruner " + medpruner()};
  }
}
