import Operations

extension Plugin {
  /// What comes from files and what goes to them.
  public static let files = Plugin(
    "files", "Read models and datasets from files, and write artifacts to them.",
    operations: [
      ReadCheckpoint.self,
      ReadAdapter.self,
      ReadInventory.self,
      ReadDataset.self,
    ],
    formats: [
      SafetensorsFormat.self,
      JSONFormat.self,
      CSVFormat.self,
    ])
}
