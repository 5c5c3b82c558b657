extension Registry { func indexEverything() throws {} }
