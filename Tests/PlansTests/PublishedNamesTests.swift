import Testing

@testable import Plans

/// What a card's front matter says that a model was made from.
@Suite struct PublishedNamesTests {
  @Test(arguments: [
    ("---\nbase_model: org/base\n---\n", ["org/base"]),
    ("---\nbase_model: \"org/base\"\n---\n", ["org/base"]),
    ("---\nbase_model: org/base # as it was\n---\n", ["org/base"]),
    ("---\nbase_model: [org/a, 'org/b']\n---\n", ["org/a", "org/b"]),
    ("---\ntags:\n- x\nbase_model:\n- org/a\n- org/b\nlicense: mit\n---\n", ["org/a", "org/b"]),
    ("---\r\nbase_model:\r\n  - org/a\r\n---\r\n", ["org/a"]),
    // Behind the front matter it is only text.
    ("---\ntags: []\n---\nbase_model: org/base\n", []), ("base_model: org/base\n", []), ("---\nbase_model:\n---\n", []),
    ("", []),
  ])
  func namesAreTakenFromTheFrontMatter(card: String, names: [String]) {
    #expect(PublishedNames.baseModels(ofCard: card) == names)
  }

  @Test func whatIsNoNameIsPassedOver() {
    #expect(["org/model", "A-1/b.c_d"].allSatisfy(PublishedNames.isName))
    #expect(!["model", "/home/a/model", "../a", "a/b/c", "org/", "<b>/x", ""].contains(where: PublishedNames.isName))
  }

  @Test func theHubsCacheNamesAModel() {
    let names = PublishedNames(files: ["/hub/models--org--base/snapshots/1/model.safetensors"], loadedFrom: "org/other")
    #expect(names.own == "org/base" && names.nearest == ["org/base"])
    #expect(PublishedNames(files: ["/m/model.safetensors"], loadedFrom: "org/other").nearest == ["org/other"])
    #expect(PublishedNames(files: ["/m/model.safetensors"], loadedFrom: "/home/me/model").nearest.isEmpty)
  }
}
