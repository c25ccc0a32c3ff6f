package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse holds that parameters that are accepted are all in the template, and read the
// same once more as they are printed.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "Regions=eu-west-1", "Regions= CampaignARNs=all", "Regions=a=b", "x=1", "Regions", "=", "Regions=1 Regions=2", "Regions=\u00a0x"} {
		f.Add(seed)
	}
	template := values{"Regions": "", "CampaignARNs": "all", "RecommenderARNs": "all"}
	f.Fuzz(func(t *testing.T, text string) {
		given, err := parse(text, template)
		if err != nil {
			if given != nil {
				t.Errorf("an error, and yet %v", given)
			}
			return
		}
		for name := range given {
			if _, known := template[name]; !known {
				t.Errorf("accepted %q", name)
			}
		}
		again, err := parse(strings.Join(given.list(), " "), template)
		if diff := cmp.Diff(given, again); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}
