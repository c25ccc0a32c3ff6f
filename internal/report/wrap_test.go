package report

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestWrap(t *testing.T) {
	tests := []struct {
		name  string
		text  string
		width int
		want  []string
	}{
		{"nothing is one empty line", "", 10, []string{""}},
		{"what fits stays", "ten of ten", 10, []string{"ten of ten"}},
		{"one character more breaks at the space", "ten of ten!", 10, []string{"ten of", "ten!"}},
		{"a long word has a line of its own", "a abcdefghij kl", 4, []string{"a", "abcdefghij", "kl"}},
		{"a long word comes first", "abcde f", 4, []string{"abcde", "f"}},
		{"a word as wide as the line", "abcd efgh", 4, []string{"abcd", "efgh"}},
		{"characters count, not bytes", "→ → →", 5, []string{"→ → →"}},
		{"a width of zero is a word a line", "ab c", 0, []string{"ab", "c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := wrap(tt.text, tt.width); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("kept at 10: lowest hour averaged 10.0 TPS over 336 hours", 20)
	f.Add("  \u00a0x\ty\n", 1)
	f.Add(strings.Repeat("w", 100), -3)
	f.Fuzz(func(t *testing.T, text string, width int) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		lines := wrap(text, width)
		if len(lines) == 0 {
			t.Fatal("no line")
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > width && len(strings.Fields(line)) > 1 {
				t.Errorf("%q is wider than %d", line, width)
			}
		}
		words := strings.Fields(text)
		if got := strings.Fields(strings.Join(lines, "\n")); !slices.Equal(got, words) {
			t.Errorf("%q became %q", text, got)
		}
		whole, cut := strings.Join(strings.Fields(model.OneLine(text)), " "), Cut(text, width)
		kept, isCut := strings.CutSuffix(cut, " …")
		if wide := utf8.RuneCountInString(cut) > width && strings.Contains(kept, " "); wide || isCut && !strings.HasPrefix(whole+" ", kept+" ") {
			t.Errorf("%q was cut to %q for a width of %d", text, cut, width)
		}
	})
}

func TestCut(t *testing.T) {
	tests := []struct {
		name, text string
		width      int
		want       string
	}{
		{"what fits stays", "40 of 1000 remain", 17, "40 of 1000 remain"},
		{"a number is left out whole", "40 of 1000 remain", 9, "40 of …"},
		{"it fits with the sign", "40 of 1000 remain", 12, "40 of 1000 …"},
		{"one word always stays", "shop-customers-also-viewed was called", 9, "shop-customers-also-viewed …"},
		{"lines become one", "a\nb", 9, "a b"},
	}
	for _, tt := range tests {
		if got := Cut(tt.text, tt.width); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// FuzzTable checks that no text of a service can break the table, at any width.
func FuzzTable(f *testing.F) {
	f.Add("home", "not due in this window", 80)
	f.Add(strings.Repeat("n", 63), "\x1b[2Jclear\r\nme", 100)
	f.Add("", "", -1)
	f.Fuzz(func(t *testing.T, name, reason string, width int) {
		one := resource(model.Campaign, "eu-west-1", name, 1, nil, nil)
		one.Reason = reason
		r := Result{Resources: []Resource{one}, Problems: []model.Problem{{Region: "eu-west-1", Operation: name, Err: errors.New(reason)}}}
		var out bytes.Buffer
		if err := Write(&out, r, Table, Style{Width: width % 300}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(out.String(), "\x1b\r\t") {
			t.Errorf("control characters in %q", out.String())
		}
	})
}
