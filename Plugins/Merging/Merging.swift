import Operations

extension Plugin {
  /// Operations that make one model of several, and the arithmetic of models and task vectors.
  public static let merging = Plugin(
    "merging", "Make one model of several.",
    operations: [
      Average.self,
      Slerp.self,
      NuSlerp.self,
      MultiSlerp.self,
      Karcher.self,
      Passthrough.self,
      Align.self,
      Layers.self,
      Stack.self,
      Expo.self,
      Emr.self,
      TallMask.self,
      Consensus.self,
      IsoC.self,
      IsoCts.self,
      TsvM.self,
      Wudi.self,
      Svc.self,
      FisherMerge.self,
      FisherSearch.self,
      TaskArithmetic.self,
      Ties.self,
      Dare.self,
      Della.self,
      Breadcrumbs.self,
      ModelStock.self,
      Sce.self,
      Ram.self,
      MagMax.self,
      NearSwap.self,
      ArceeFusion.self,
      Subtract.self,
      Add.self,
      Scale.self,
      Total.self,
    ])
}
