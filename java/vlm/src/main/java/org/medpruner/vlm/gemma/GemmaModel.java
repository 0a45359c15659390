package org.medpruner.vlm.gemma;

import java.nio.file.Path;
import java.util.List;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.prompt.GemmaPrompt;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.prompt.ThinkingBlock;
import org.medpruner.vlm.prompt.Tokenizer;
import org.medpruner.volume.SliceImages;

/** Gemma 3 (MedGemma) with its tokenizer and chat template. */
public final class GemmaModel implements VisionLanguageModel {
  private final GemmaPipeline pipeline;
  private final Tokenizer tokenizer;
  private final GemmaPrompt prompts;

  private GemmaModel(GemmaPipeline pipeline, Tokenizer tokenizer, GemmaPrompt prompts) {
    this.pipeline = pipeline;
    this.tokenizer = tokenizer;
    this.prompts = prompts;
  }

  /**
   * Loads a checkpoint folder.
   *
   * @throws InputException if the folder cannot be used; the message names the file
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch, or CUDA where it is asked for,
   *     cannot be used
   */
  public static GemmaModel load(Path folder, LoadOptions options, Progress progress) {
    Tokenizer tokenizer = Tokenizer.load(folder);
    GemmaPipeline pipeline = null;
    boolean ok = false;
    try {
      pipeline = GemmaPipeline.load(folder, options, progress);
      GemmaPrompt prompts = new GemmaPrompt(tokenizer, pipeline.config().tokensPerImage());
      if (prompts.softTokenId() != pipeline.config().imageToken()) {
        throw new InputException(
            "model "
                + folder
                + ": config.json says image token "
                + pipeline.config().imageToken()
                + ", tokenizer.json "
                + prompts.softTokenId()
                + "; the files are not of one model");
      }
      ok = true;
      return new GemmaModel(pipeline, tokenizer, prompts);
    } finally {
      if (!ok) {
        tokenizer.close();
        if (pipeline != null) {
          pipeline.close();
        }
      }
    }
  }

  @Override
  public ModelInfo info() {
    return pipeline.info();
  }

  @Override
  public EncodedVolume encode(SliceImages slices, PruningPolicy policy, Progress progress) {
    return pipeline.encode(slices, policy, progress);
  }

  @Override
  public Answer ask(
      EncodedVolume volume, String question, GenerationOptions options, Progress progress) {
    Prompt prompt = prompt(volume, question, options);
    TokenModel.Generation g =
        pipeline.generate(volume, prompt, options.maxNewTokens(), true, progress);
    List<Integer> words =
        g.stopped() ? g.tokenIds().subList(0, g.tokenIds().size() - 1) : g.tokenIds();
    return new Answer(
        ThinkingBlock.strip(tokenizer.decode(words)),
        g.tokenIds(),
        g.promptTokens(),
        prompt.length(),
        g.kvBytes(),
        g.stopped(),
        g.report());
  }

  private Prompt prompt(EncodedVolume volume, String question, GenerationOptions options) {
    try {
      return prompts.build(options.layout(), volume.report().slices().size(), question);
    } catch (IllegalArgumentException e) {
      throw new InputException("question: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    pipeline.close();
    tokenizer.close();
  }
}
