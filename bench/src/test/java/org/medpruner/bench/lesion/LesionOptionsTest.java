package org.medpruner.bench.lesion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LesionOptionsTest {
  @TempDir private Path folder;
  private String head = "";
  private String body = "";

  @BeforeEach
  void volumes() throws Exception {
    head = Files.createFile(folder.resolve("head.nii")).toString();
    body = Files.createFile(folder.resolve("body.nii")).toString();
  }

  private static LesionOptions.Volume volume(String file, boolean ct, int most) {
    return new LesionOptions.Volume(Path.of(file), ct, most);
  }

  @Test
  void howAVolumeIsShownIsSaidBeforeIt() {
    assertEquals(
        new LesionOptions(20, 1, List.of(volume(head, false, 85))), LesionOptions.parse(head));
    assertEquals(
        new LesionOptions(10, -3, List.of(volume(head, false, 85), volume(body, true, 40))),
        LesionOptions.parse(
            "--lesions", "10", head, "--ct", "--max-slices", "40", body, "--seed", "-3"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --lesions x HEAD     | --lesions is "x", expected a whole number from 1 on
          --lesions 0 HEAD     | --lesions is "0", expected a whole number from 1 on
          --max-slices 1e2 HEAD | --max-slices is "1e2", expected a whole number from 1 on
          --seed 0.5 HEAD      | --seed is "0.5", expected a whole number
          HEAD --seed          | --seed needs a value
          --foo HEAD           | --foo is unknown; expected --lesions, --seed, --max-slices, --ct or a volume's file or folder
          HEAD --ct            | --ct is for the volumes behind it, and there is none; name it before them
          HEAD --max-slices 9  | --max-slices is for the volumes behind it, and there is none; name it before them
          nowhere.nii          | nowhere.nii does not exist
          --ct                 | --ct is for the volumes behind it, and there is none; name it before them
          --lesions 10         | name at least one volume
          """)
  void wrongArgumentsAreNamed(String line, String message) {
    String[] arguments = line.replace("HEAD", head).split(" ");
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> LesionOptions.parse(arguments))
            .getMessage());
  }
}
