import Operations

extension Plugin {
  /// Operations that make or change models by looking at examples.
  public static let learning = Plugin(
    "learning", "Make models, train them and estimate what matters in them.",
    operations: [
      Classifier.self,
      Finetune.self,
      FisherEstimate.self,
      GramEstimate.self,
      AddHead.self,
      AdaMerging.self,
    ])
}
