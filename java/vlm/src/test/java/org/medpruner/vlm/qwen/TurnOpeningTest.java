package org.medpruner.vlm.qwen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.InputException;

/** The openings are what jinja2 renders with transformers' settings. */
class TurnOpeningTest {
  /** Earlier turns; a thinking block of theirs is none that the template opens. */
  private static final String MESSAGES =
      """
      {%- for m in messages %}
          {{- '<|im_start|>' + m.role + '\\n' }}
          {%- if m.role == 'assistant' %}{{- '<think>\\n' + m.thoughts + '\\n</think>\\n\\n' }}{%- endif %}
          {{- m.content + '<|im_end|>\\n' }}
      {%- endfor %}
      """;

  private static final String ASKED = "{%- if add_generation_prompt %}";

  @TempDir Path folder;

  private String opening(String template) throws Exception {
    Files.writeString(folder.resolve("chat_template.jinja"), template);
    return TurnOpening.read(folder).replace("\n", "\\n");
  }

  /** {@code ~} is a line break of the template, {@code @} the condition. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        // Instruct and Thinking checkpoints, as published.
        "@~    {{- '<#im_start#>assistant\\n' }}~{%- endif %}~ | ``",
        "@~    {{- '<#im_start#>assistant\\n<think>\\n' }}~{%- endif %} | <think>\\n",
        "@{{- \"<#im_start#>assistant\\n<think>\\n\" }}{%- endif %} | <think>\\n",
        // Thinking turned off for good.
        "@{{- '<#im_start#>assistant\\n<think>\\n\\n</think>\\n\\n' }}{%- endif %} | <think>\\n\\n</think>\\n\\n",
        // Line breaks of the template's own; the last falls to the mark behind it.
        "@<#im_start#>assistant~<think>~{% endif %} | <think>\\n",
        "@<#im_start#>assistant~<think>~~</think>~{%- endif %} | <think>\\n\\n</think>",
        "{% if add_generation_prompt %}~  {# off? #}~<#im_start#>assistant~<think>~  {% endif %} | <think>\\n",
        // Thinking that can be turned off, as in Qwen3.5 and in Qwen3.
        "@{{- '<#im_start#>assistant\\n' }}{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- else %}{{- '<think>\\n' }}{%- endif %}{%- endif %} | <think>\\n",
        "@~  {{- '<#im_start#>assistant\\n' }}~  {%- if enable_thinking is defined and enable_thinking is false %}~    {{- '<think>\\n\\n</think>\\n\\n' }}~  {%- endif %}~{%- endif %} | ``",
        // No condition.
        "{{- '<#im_start#>assistant\\n<think>\\n' }} | <think>\\n",
        // What is not known is none of a thinking block.
        "@{{- '<#im_start#>' + role }}{%- endif %} | ``",
      })
  void whatTheTemplateOpens(String end, String opening) throws Exception {
    String template = end.replace('#', '|').replace("{|", "{#").replace("|}", "#}");
    assertEquals(opening, opening(MESSAGES + template.replace("@", ASKED).replace("~", "\n")));
  }

  @Test
  void noTemplate() {
    assertEquals("", TurnOpening.read(folder));
  }

  @Test
  void otherThinkingBlocksAreRefused() throws Exception {
    for (String end :
        List.of(
            "{{- '<|im_start|>assistant\\n' }}{%- if deep %}{{- '<think>\\n' }}{%- endif %}",
            "{{- '<|im_start|>assistant\\n' + '<think>\\n' }}",
            "{{- '<|im_start|>assistant\\n<think>\\nFirst, ' }}",
            "{{- '<|im_start|>assistant\\n\\n<think>\\n' }}")) {
      String template = MESSAGES + ASKED + end + "{%- endif %}";
      InputException e = assertThrows(InputException.class, () -> opening(template), end);
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains("chat template") && message.contains("<think>"), message);
      assertEquals(1, message.lines().count(), message);
    }
  }
}
