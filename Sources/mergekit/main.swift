print("mergekit")
