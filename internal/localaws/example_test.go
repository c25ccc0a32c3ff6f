package localaws

import "testing"

func TestExampleEstateFileIsACopy(t *testing.T) {
	a := ExampleEstateFile()
	a[0] = '!'
	if b := ExampleEstateFile(); b[0] == '!' {
		t.Error("a change to it changes the example")
	}
}
