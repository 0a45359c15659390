package org.medpruner.vlm.qwen;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.vlm.checkpoint.ChatTemplate;

/**
 * What a checkpoint's chat template writes behind the head of the model's turn: nothing, an open
 * thinking block (Thinking checkpoints) or an empty one (thinking turned off).
 *
 * <p>Read are text, string literals and two conditions: that the turn is asked for, which it is,
 * and that thinking is turned off, which it is not, for nobody can ask for that here. Line breaks
 * and white space as jinja leaves them with transformers' settings (trim_blocks, lstrip_blocks).
 */
final class TurnOpening {
  private static final String ASKED = "add_generation_prompt";
  private static final String LOOP_END = "endfor";

  /** A statement, expression or comment, with the marks that take white space away or keep it. */
  private static final Pattern TAG =
      Pattern.compile("\\{([%{#])([-+]?)(.*?)([-+]?)[%}#]\\}", Pattern.DOTALL);

  private static final Pattern LITERAL = Pattern.compile("(['\"])((?:(?!\\1)[^\\\\]|\\\\n)*)\\1");

  private static final Pattern TURN =
      Pattern.compile("<\\|im_start\\|>assistant\n(<think>\\s*(?:</think>\\s*)?)");

  private TurnOpening() {}

  /**
   * Reads the template of a folder.
   *
   * @throws InputException if it cannot be read, or begins the turn in a way that is not known
   */
  static String read(Path folder) {
    String template = ChatTemplate.read(folder).replace("\r\n", "\n");
    String end = end(template);
    String written = render(end);
    if (!(written == null ? end : written).contains("think>")) {
      return "";
    }
    Matcher turn = TURN.matcher(written == null ? "" : written);
    if (!turn.matches()) {
      throw new InputException(
          "model folder "
              + folder
              + ": its chat template begins the model's turn with a thinking block in a way that is"
              + " not known; end it with {%- if add_generation_prompt %}{{-"
              + " '<|im_start|>assistant\\n<think>\\n' }}{%- endif %}, or without <think>");
    }
    return turn.group(1);
  }

  /** From the condition on; of a template without it, what follows the messages. */
  private static String end(String template) {
    int asked = template.lastIndexOf(ASKED);
    if (asked >= 0) {
      return template.substring(Math.max(0, template.lastIndexOf("{%", asked)));
    }
    int loop = template.lastIndexOf(LOOP_END);
    return template.substring(loop < 0 ? 0 : template.indexOf("}", loop) + 1);
  }

  /** What the end of a template writes, or null where it has something that is not known. */
  private static @Nullable String render(String end) {
    StringBuilder out = new StringBuilder();
    Deque<Boolean> taken = new ArrayDeque<>();
    Matcher tag = TAG.matcher(end);
    int at = 0;
    while (tag.find()) {
      boolean writing = !taken.contains(false);
      boolean block = !tag.group(1).equals("{");
      if (writing) {
        out.append(before(end, at, tag.start(), tag.group(2), block));
      }
      String body = tag.group(3).strip();
      if (tag.group(1).equals("{")) {
        Matcher literal = LITERAL.matcher(body);
        if (!literal.matches()) {
          return null;
        }
        if (writing) {
          out.append(literal.group(2).replace("\\n", "\n"));
        }
      } else if (tag.group(1).equals("%")) {
        if (body.startsWith("if ")) {
          Boolean holds = holds(body.substring(3).strip());
          if (holds == null) {
            return null;
          }
          taken.push(holds);
        } else if (body.equals("else") && !taken.isEmpty()) {
          taken.push(!taken.pop());
        } else if (body.equals("endif") && !taken.isEmpty()) {
          taken.pop();
          if (taken.isEmpty()) {
            return out.toString();
          }
        } else {
          return null;
        }
      }
      at = after(end, tag.end(), tag.group(4), block);
    }
    return out.append(end, at, end.length()).toString();
  }

  private static @Nullable Boolean holds(String condition) {
    if (condition.equals(ASKED)) {
      return true;
    }
    boolean asksForThinking =
        condition.startsWith("enable_thinking is defined and ") && !condition.contains(" or ");
    return asksForThinking ? false : null;
  }

  /** Text up to a tag, less the white space that the tag takes away. */
  private static String before(String all, int from, int to, String mark, boolean block) {
    String text = all.substring(from, to);
    if (mark.equals("-")) {
      return text.stripTrailing();
    }
    int line = text.lastIndexOf('\n') + 1;
    boolean whole = line > 0 || from == 0 || all.charAt(from - 1) == '\n';
    return block && mark.isEmpty() && whole && text.substring(line).isBlank()
        ? text.substring(0, line)
        : text;
  }

  /** Where the text after a tag begins, without the white space that the tag takes away. */
  private static int after(String text, int at, String mark, boolean block) {
    if (mark.equals("-")) {
      String rest = text.substring(at);
      return at + rest.length() - rest.stripLeading().length();
    }
    return block && mark.isEmpty() && text.startsWith("\n", at) ? at + 1 : at;
  }
}
