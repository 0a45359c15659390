package org.medpruner;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Runs a class only where a CUDA device can be used, and prints why it does not otherwise. With
 * {@code -Dmedpruner.requireGpu=true} it runs anyway, so that a host meant to have one fails.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@Tag("gpu")
@ExtendWith(EnabledIfCuda.Condition.class)
@interface EnabledIfCuda {

  /** Asks the library. */
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      return switch (MedPruner.cudaStatus()) {
        case MedPruner.CudaStatus.Available a ->
            ConditionEvaluationResult.enabled("" + a.devices());
        case MedPruner.CudaStatus.Unavailable u -> {
          if (Boolean.getBoolean("medpruner.requireGpu")) {
            yield ConditionEvaluationResult.enabled("medpruner.requireGpu is set");
          }
          System.out.println("skipped " + context.getDisplayName() + ": " + u.reason());
          yield ConditionEvaluationResult.disabled(u.reason());
        }
      };
    }
  }
}
