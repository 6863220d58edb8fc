// A platform and jobs, by the typed classes of the component package. The Automation API runs this program without a
// language host: node program.js <preview|unchanged|up|destroy> '{"jobs": [...], ...}'
import * as pulumi from "@pulumi/pulumi";
import * as automation from "@pulumi/pulumi/automation";
import * as flink from "./sdk/index.js";

interface Settings {
    platform: flink.FlinkPlatformArgs;
    jobs: string[];
    spec: { [field: string]: unknown };
    parameter: string; // of each job
    values: { [namespace: string]: string }; // of the parameter
}

const [operation, text] = process.argv.slice(2);
const settings: Settings = JSON.parse(text);

async function program(): Promise<Record<string, pulumi.Output<string | undefined>>> {
    const platform = new flink.FlinkPlatform("texts", settings.platform);
    const addresses: Record<string, pulumi.Output<string | undefined>> = {};
    for (const name of settings.jobs) {
        const job = new flink.FlinkJob(
            name,
            {
                platform: settings.platform,
                manifest: {
                    apiVersion: "flink.apache.org/v1beta1",
                    kind: "FlinkDeployment",
                    metadata: { name },
                    spec: settings.spec,
                },
                // The name of the namespace is an output of the platform.
                settings: {
                    parameters: { [settings.parameter]: platform.namespaces.apply((names) => settings.values[names[0]]) },
                },
                waitForJobs: settings.platform.waitForJobs,
            },
            { dependsOn: [platform] },
        );
        addresses[name] = job.restAddress;
    }
    return addresses;
}

async function main(): Promise<void> {
    const stack = await automation.LocalWorkspace.createOrSelectStack(
        { stackName: "dev", projectName: "texts", program },
        { workDir: process.cwd() },
    );
    const onOutput = (line: string): void => void process.stdout.write(line);
    if (operation === "up") {
        await stack.up({ onOutput });
    } else if (operation === "preview" || operation === "unchanged") {
        await stack.preview({ onOutput, expectNoChanges: operation === "unchanged" });
    } else {
        await stack.destroy({ onOutput, runProgram: true });
    }
}

main().catch((error: unknown) => {
    console.error(String(error));
    process.exitCode = 1;
});
