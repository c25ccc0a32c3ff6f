package localaws

import (
	_ "embed"
	"fmt"
)

//go:embed example/estate.yaml
var exampleFile []byte

// ExampleEstate is the estate that ships with the program: an online shop and a video
// service, in two regions. Its file explains each key and each resource.
func ExampleEstate() Estate {
	estate, err := ParseEstate(exampleFile, "example/estate.yaml", nil)
	if err != nil {
		// The file is a part of this package, and a test reads it.
		panic(fmt.Sprintf("localaws: the example estate is invalid: %v", err))
	}
	return estate
}
