package org.medpruner.testkit.internal;

/** Who is told of the calls of a target: what follows may never come back. */
public interface CallWatch {
  /** Tells nobody. */
  CallWatch NONE =
      new CallWatch() {
        @Override
        public void caseBegins(String name) {}

        @Override
        public void callBegins(String name) {}

        @Override
        public void callEnds() {}
      };

  /** Before the first call of a case, once. */
  void caseBegins(String name);

  /** Before each call, those for smaller inputs of a failing case too. */
  void callBegins(String name);

  /** After each call, however it ended. */
  void callEnds();
}
