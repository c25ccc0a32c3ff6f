package cli_test
import ("testing";"fmt";"os";"strings";"github.com/personalize-monitor/personalize-monitor/internal/permissions")
func TestZZ(t *testing.T) {
	folder := t.TempDir()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_PROFILE": "", "AWS_CONFIG_FILE": folder+"/none",
		"AWS_SHARED_CREDENTIALS_FILE": folder+"/none", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(name, value)
	}
	use := permissions.Use(os.Getenv("ZU"))
	u := permUses[use]
	policy := u.policy(t, use)
	if a := os.Getenv("ZA"); a != "" {
		sid, action, _ := strings.Cut(a, " ")
		policy = policy.Without(sid, action)
		text, failed, err := u.try(t.Context(), folder, policy, action)
		fmt.Println(text, failed, err)
		return
	}
	text, failed, err := u.try(t.Context(), folder, policy, "")
	fmt.Println(text, failed, err)
}
