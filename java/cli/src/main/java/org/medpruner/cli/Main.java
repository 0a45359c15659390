package org.medpruner.cli;

/** Entry point of the command line. */
public final class Main {
  private Main() {}

  /** Runs one command and exits with its code. */
  public static void main(String[] args) {
    System.err.println("medpruner: no command is built in yet");
    System.exit(2);
  }
}
