package org.medpruner.serve;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The machine's Chromium, without a window, with one page: what a user does goes in as mouse, keys
 * and files, over the DevTools protocol.
 */
final class Chromium implements AutoCloseable {
  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");
  private static final Pattern LISTENING =
      Pattern.compile("DevTools listening on ws://([^/]+)/", Pattern.CASE_INSENSITIVE);

  /** Far more than anything takes, for machines with other work. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Running running;
  private final Page page;
  private final HttpClient http;
  private final WebSocket socket;
  private int calls;

  private Chromium(Running running) throws IOException, InterruptedException {
    this.running = running;
    this.page = new Page();
    this.http = HttpClient.newHttpClient();
    URI list = URI.create(running.address() + "/json/list");
    socket = http.newWebSocketBuilder().buildAsync(target(http, list), page).join();
    for (String domain : List.of("Page", "Runtime", "Log", "Network", "DOM")) {
      call(domain + ".enable", MAPPER.createObjectNode());
    }
  }

  /** Where the page listens, which is a little younger than the browser. */
  private static URI target(HttpClient http, URI list) throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      HttpRequest request = HttpRequest.newBuilder(list).build();
      String targets = http.send(request, BodyHandlers.ofString()).body();
      for (JsonNode target : MAPPER.readTree(targets)) {
        if (target.path("type").asText().equals("page")) {
          return URI.create(target.path("webSocketDebuggerUrl").asText());
        }
      }
      if (System.nanoTime() > end) {
        throw new IOException("Chromium has no page, but " + targets);
      }
      pause();
    }
  }

  /** Starts it; where there is none, the test is skipped. */
  static Chromium start() throws IOException, InterruptedException {
    Optional<Path> program = program();
    if (program.isEmpty()) {
      System.out.println("SKIPPED: no Chromium on the PATH, under any name of " + NAMES);
    }
    assumeTrue(program.isPresent(), "no Chromium on the PATH, under any name of " + NAMES);
    Running running = new Running(program.orElseThrow());
    try {
      return new Chromium(running);
    } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
      running.close();
      throw e;
    }
  }

  private static Optional<Path> program() {
    String path = System.getenv("PATH");
    return Stream.of((path == null ? "" : path).split(File.pathSeparator))
        .flatMap(folder -> NAMES.stream().map(name -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Opens an address, and waits for all that the page loads. */
  void open(URI address) {
    ObjectNode answer = call("Page.navigate", object().put("url", address.toString()));
    if (answer.has("errorText")) {
      throw new AssertionError(address + ": " + answer.get("errorText").asText());
    }
    await("document.readyState === 'complete'");
  }

  /** The value of an expression, of a promise the value that it gets. */
  JsonNode evaluate(String expression) {
    ObjectNode answer =
        call(
            "Runtime.evaluate",
            object()
                .put("expression", expression)
                .put("awaitPromise", true)
                .put("returnByValue", true));
    if (answer.has("exceptionDetails")) {
      throw new AssertionError(expression + ": " + thrown(answer.get("exceptionDetails")));
    }
    return answer.path("result").path("value");
  }

  /** Waits until an expression is true. */
  void await(String condition) {
    await(
        () -> evaluate(condition).asBoolean(),
        () ->
            condition
                + " is still false. The page:\n"
                + evaluate("document.body.innerText").asText()
                + takeErrors());
  }

  private static void await(BooleanSupplier condition, Supplier<String> otherwise) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError(otherwise.get());
      }
      pause();
    }
  }

  /** What can be read in an element; nothing where it is not shown. */
  String text(String selector) {
    return evaluate("(e => e.checkVisibility() ? e.innerText : '')(" + element(selector) + ")")
        .asText();
  }

  /** Presses the mouse on an element. */
  void click(String selector) {
    for (String type : List.of("mousePressed", "mouseReleased")) {
      call(
          "Input.dispatchMouseEvent",
          middle(selector).put("type", type).put("button", "left").put("clickCount", 1));
    }
  }

  /** Types into what has the focus, and ends with the Enter key. */
  void enter(String text) {
    call("Input.insertText", object().put("text", text));
    for (String type : List.of("keyDown", "keyUp")) {
      ObjectNode key = object().put("type", type).put("key", "Enter").put("code", "Enter");
      key.put("windowsVirtualKeyCode", 13);
      call("Input.dispatchKeyEvent", type.equals("keyDown") ? key.put("text", "\r") : key);
    }
  }

  /** Drags files over an element and lets them go. */
  void drop(String selector, Path... files) {
    for (String type : List.of("dragEnter", "dragOver", "drop")) {
      ObjectNode event = middle(selector).put("type", type);
      ObjectNode data = event.putObject("data").put("dragOperationsMask", 1);
      data.putArray("items");
      paths(data.putArray("files"), files);
      call("Input.dispatchDragEvent", event);
    }
  }

  /** Picks files for an input, as its dialog would. */
  void choose(String selector, Path... files) {
    int root = call("DOM.getDocument", object()).at("/root/nodeId").asInt();
    ObjectNode query = object().put("nodeId", root).put("selector", selector);
    ObjectNode choice =
        object().put("nodeId", call("DOM.querySelector", query).path("nodeId").asInt());
    paths(choice.putArray("files"), files);
    call("DOM.setFileInputFiles", choice);
  }

  /** Presses the mouse on a link that saves a file in a folder, and waits for the file. */
  Path save(String selector, Path folder, String name) {
    call(
        "Browser.setDownloadBehavior",
        object().put("behavior", "allow").put("downloadPath", folder.toString()));
    click(selector);
    Path file = folder.resolve(name);
    await(() -> Files.exists(file), () -> file + " was not saved");
    return file;
  }

  /** Shows the page as a screen of that width does, of a user who likes it light or dark. */
  void screen(int width, String scheme) {
    call(
        "Emulation.setDeviceMetricsOverride",
        object()
            .put("width", width)
            .put("height", 800)
            .put("deviceScaleFactor", 1)
            .put("mobile", false));
    ObjectNode media = object();
    media.putArray("features").addObject().put("name", "prefers-color-scheme").put("value", scheme);
    call("Emulation.setEmulatedMedia", media);
    call("Emulation.setScrollbarsHidden", object().put("hidden", true));
  }

  /** Takes a picture of the whole page. */
  void picture(Path png) throws IOException {
    ObjectNode answer =
        call(
            "Page.captureScreenshot",
            object().put("format", "png").put("captureBeyondViewport", true));
    Files.write(png, Base64.getDecoder().decode(answer.get("data").asText()));
  }

  /** The addresses that were asked for since the browser started, the page's own included. */
  List<String> requests() {
    return List.copyOf(page.requests);
  }

  /** What the console has of errors and warnings since this was last asked. */
  List<String> takeErrors() {
    List<String> errors = List.copyOf(page.errors);
    page.errors.removeAll(errors);
    return errors;
  }

  private static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  private static String element(String selector) {
    return "document.querySelector('" + selector + "')";
  }

  private static void paths(ArrayNode list, Path... files) {
    for (Path file : files) {
      list.add(file.toAbsolutePath().toString());
    }
  }

  private ObjectNode middle(String selector) {
    JsonNode at =
        evaluate(
            "(e => { e.scrollIntoView({ block: 'nearest' }); const b = e.getBoundingClientRect();"
                + " return { x: b.x + b.width / 2, y: b.y + b.height / 2 }; })("
                + element(selector)
                + ")");
    return object().put("x", at.path("x").asDouble()).put("y", at.path("y").asDouble());
  }

  private ObjectNode call(String method, ObjectNode parameters) {
    int id = ++calls;
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    page.waiting.put(id, answer);
    Throwable over = page.over;
    if (over != null) {
      throw new AssertionError(method + " came too late", over);
    }
    ObjectNode message = object().put("id", id).put("method", method);
    message.set("params", parameters);
    try {
      socket.sendText(message.toString(), true).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      JsonNode whole = answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      if (whole.has("error")) {
        throw new AssertionError(method + ": " + whole.get("error"));
      }
      return (ObjectNode) whole.get("result");
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError(method + " got no answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(method + " was interrupted", e);
    }
  }

  private static void pause() {
    try {
      Thread.sleep(20);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private static String thrown(JsonNode details) {
    return details.at("/exception/description").asText(details.path("text").asText());
  }

  /** Ends the browser, whatever state it is in, and deletes what it wrote. */
  @Override
  public void close() {
    socket.abort();
    http.shutdownNow();
    running.close();
  }

  /** What the page says. */
  private static final class Page implements WebSocket.Listener {
    final Map<Integer, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
    final List<String> requests = new CopyOnWriteArrayList<>();
    final List<String> errors = new CopyOnWriteArrayList<>();
    volatile @Nullable Throwable over;
    private final StringBuilder message = new StringBuilder();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
      message.append(part);
      if (last) {
        try {
          take(MAPPER.readTree(message.toString()));
        } catch (IOException e) {
          throw new UncheckedIOException("not JSON from Chromium", e);
        } finally {
          message.setLength(0);
        }
      }
      socket.request(1);
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
      end(new IOException("Chromium closed the connection"));
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable e) {
      end(e);
    }

    private void end(Throwable cause) {
      over = cause;
      waiting.values().forEach(answer -> answer.completeExceptionally(cause));
    }

    private void take(JsonNode said) {
      CompletableFuture<JsonNode> answer = waiting.remove(said.path("id").asInt());
      if (answer != null) {
        answer.complete(said);
        return;
      }
      JsonNode event = said.path("params");
      switch (said.path("method").asText()) {
        case "Network.requestWillBeSent" -> requests.add(event.at("/request/url").asText());
        case "Runtime.exceptionThrown" -> errors.add(thrown(event.path("exceptionDetails")));
        case "Runtime.consoleAPICalled" -> console(event);
        case "Log.entryAdded" -> log(event.path("entry"));
        // Nothing is answered after it.
        case "Inspector.targetCrashed" -> end(new IOException("the page crashed"));
        default -> {}
      }
    }

    private void console(JsonNode event) {
      if (List.of("error", "warning", "assert").contains(event.path("type").asText())) {
        errors.add(event.path("args").toString());
      }
    }

    private void log(JsonNode entry) {
      if (List.of("error", "warning").contains(entry.path("level").asText())) {
        errors.add(entry.path("text").asText() + " " + entry.path("url").asText());
      }
    }
  }

  /** The process and its folder. */
  private static final class Running {
    private final Path folder;
    private final Process process;
    // For the end of the JVM before close.
    private final Thread last = new Thread(this::end);

    Running(Path program) throws IOException {
      folder = Files.createTempDirectory("medpruner-chromium-");
      Path said = folder.resolve("said.txt");
      try {
        process =
            new ProcessBuilder(
                    program.toString(),
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--no-first-run",
                    // Whatever else would be asked for is not found.
                    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                    "--remote-debugging-port=0",
                    "--user-data-dir=" + folder.resolve("profile"),
                    "about:blank")
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
      } catch (IOException e) {
        delete();
        throw e;
      }
      Runtime.getRuntime().addShutdownHook(last);
    }

    /** Where it listens; waits until it does. */
    URI address() throws IOException, InterruptedException {
      long end = System.nanoTime() + PATIENCE.toNanos();
      while (true) {
        String said = Files.readString(folder.resolve("said.txt"));
        Matcher listening = LISTENING.matcher(said);
        if (listening.find()) {
          return URI.create("http://" + listening.group(1));
        }
        if (!process.isAlive() || System.nanoTime() > end) {
          throw new IOException("Chromium does not listen. It said:\n" + said);
        }
        Thread.sleep(20);
      }
    }

    void close() {
      try {
        Runtime.getRuntime().removeShutdownHook(last);
        end();
      } catch (IllegalStateException e) {
        // The JVM is ending, and the hook runs.
      }
    }

    private void end() {
      List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
      all.addFirst(process.toHandle());
      all.forEach(ProcessHandle::destroyForcibly);
      all.forEach(one -> one.onExit().join());
      delete();
    }

    /** A process that was being started may write for a moment more. */
    private void delete() {
      for (int tries = 1; Files.exists(folder); tries++) {
        try (Stream<Path> all = Files.walk(folder)) {
          for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
            Files.deleteIfExists(path);
          }
        } catch (IOException | UncheckedIOException e) {
          if (tries == 100) {
            throw new IllegalStateException("what Chromium wrote cannot be deleted", e);
          }
          pause();
        }
      }
    }
  }
}
