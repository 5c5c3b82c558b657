// swift-tools-version: 6.1
import PackageDescription

/// Kernels, codecs and hashes are optimised in every configuration, so that a plain `swift run` is fast.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"])]

/// A family of operations: a folder under `Plugins/` that sees the kit and what lies below it.
func plugin(_ name: String) -> Target {
  .target(
    name: name,
    dependencies: [
      "Operations", "Adapters", "Models", "Networks", "Tensors", "Formats", "Fingerprints", "Diagnostics",
    ],
    path: "Plugins/\(name)")
}

let package = Package(
  name: "mergekit",
  platforms: [.macOS(.v15)],
  targets: [
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),

    .systemLibrary(name: "CSystem"),

    .target(name: "Diagnostics"),
    .target(
      name: "CKernels",
      cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-Wno-psabi", "-Wno-unknown-pragmas"])]),
    .target(name: "Fingerprints", dependencies: ["CKernels"], swiftSettings: optimised),
    .target(name: "Tensors", dependencies: ["CKernels", "COpenBLAS", "Fingerprints"], swiftSettings: optimised),
    .target(
      name: "Formats", dependencies: ["CSystem", "Tensors", "Fingerprints", "Diagnostics"], swiftSettings: optimised),
    .target(name: "Tokenizers", dependencies: ["Formats", "Diagnostics"], swiftSettings: optimised),

    .target(
      name: "Networks", dependencies: ["CKernels", "Tensors", "Formats", "Diagnostics"], swiftSettings: optimised),
    .target(
      name: "Operations", dependencies: ["Tensors", "Formats", "Fingerprints", "Diagnostics"], swiftSettings: optimised),
    .target(
      name: "Adapters", dependencies: ["Operations", "Networks", "Tensors", "Formats", "Diagnostics"],
      swiftSettings: optimised),

    .target(
      name: "Models",
      dependencies: ["Operations", "Networks", "Tokenizers", "Tensors", "Formats", "Fingerprints", "Diagnostics"],
      swiftSettings: optimised),

    plugin("Files"),
    plugin("Merging"),
    plugin("Adapting"),
    plugin("Learning"),
    plugin("Measuring"),
    plugin("Searching"),
    .target(
      name: "Catalog",
      dependencies: ["Operations", "Files", "Merging", "Adapting", "Learning", "Measuring", "Searching"],
      path: "Plugins/Catalog"),

    .target(
      name: "Recipes", dependencies: ["Operations", "Diagnostics"], exclude: ["Grammar.md"], swiftSettings: optimised),
    .target(
      name: "Registry",
      dependencies: ["CSQLite", "Operations", "Formats", "Tensors", "Fingerprints", "Diagnostics"],
      path: "Registry", resources: [.embedInCode("Schema.sql")], swiftSettings: optimised),
    .target(
      name: "Plans",
      dependencies: ["Recipes", "Registry", "Operations", "Formats", "Tensors", "Fingerprints", "Diagnostics"]),
    .target(name: "Imports", dependencies: ["Recipes", "Operations", "Formats", "Tensors", "Diagnostics"]),
    .target(
      name: "Pages", dependencies: ["Recipes", "Operations", "Formats", "Fingerprints", "Diagnostics"],
      resources: [.embedInCode("Assets/page.css"), .embedInCode("Assets/graph.js"), .embedInCode("Assets/page.js")],
      swiftSettings: optimised),
    .target(
      name: "CommandLine",
      dependencies: [
        "Catalog", "Plans", "Imports", "Pages", "Recipes", "Registry", "Operations", "Tokenizers", "Formats", "Tensors",
        "Fingerprints", "Diagnostics",
      ]),
    .executableTarget(name: "mergekit", dependencies: ["CommandLine"]),

    .target(name: "GoldenNumbers", dependencies: ["Tensors"], path: "Tests/GoldenNumbers", swiftSettings: optimised),
    .testTarget(name: "FingerprintsTests", dependencies: ["Fingerprints"]),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors", "Fingerprints"]),
    .testTarget(name: "FormatsTests", dependencies: ["Formats", "Tensors", "Diagnostics"]),
    .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics"]),
    .testTarget(name: "RecipesTests", dependencies: ["Recipes", "Operations", "Diagnostics"]),
    .testTarget(name: "ImportsTests", dependencies: ["Imports", "Diagnostics"]),
    .testTarget(
      name: "PagesTests",
      dependencies: ["Pages", "Recipes", "Operations", "Formats", "Tensors", "Fingerprints", "Diagnostics"]),
    .testTarget(
      name: "PlansTests",
      dependencies: ["Plans", "Recipes", "Registry", "Operations", "Formats", "Tensors", "Diagnostics"]),
    .testTarget(
      name: "TokenizersTests", dependencies: ["Tokenizers", "Formats", "Diagnostics"], resources: [.copy("Golden")]),
    .testTarget(
      name: "NetworksTests", dependencies: ["Networks", "GoldenNumbers", "Tensors", "Formats", "Diagnostics"],
      resources: [.copy("Golden")]),
    .testTarget(name: "OperationsTests", dependencies: ["Operations", "Tensors", "Formats", "Diagnostics"]),
    .testTarget(
      name: "CatalogTests",
      dependencies: [
        "Catalog", "Adapters", "Models", "Operations", "Networks", "GoldenNumbers", "Tensors", "Formats",
        "Fingerprints",
        "Diagnostics",
      ],
      resources: [.copy("Golden")]),
    .testTarget(
      name: "CommandLineTests", dependencies: ["CommandLine", "Catalog", "Recipes", "Operations", "Formats", "Tensors"]),
    .testTarget(
      name: "RegistryTests",
      dependencies: ["Registry", "Operations", "Formats", "Tensors", "Fingerprints", "Diagnostics"]),
  ]
)
