import Operations

extension Plugin {
  /// Operations on adapters: small changes to the layers of a model that are kept apart from it.
  public static let adapting = Plugin(
    "adapting", "Begin adapters, take them out of models, turn them into one another and fold them in.",
    operations: [
      Attach.self,
      Residual.self,
      LoraInit.self,
      Pissa.self,
      Olora.self,
      Eva.self,
      MhrTrain.self,
      MhrAdapt.self,
      LduStart.self,
      Kpsvd.self,
      TuckerStart.self,
      PissaToLora.self,
      AsLora.self,
      ExtractLora.self,
      Compress.self,
      Complete.self,
      Factorize.self,
      ExpandDepth.self,
      AdapterMerge.self,
      Pool.self,
      Route.self,
      InspectLora.self,
    ])
}
